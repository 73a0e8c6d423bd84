from .fetch_model import fetch_base_model as fetch_base_model
from .folders import files_of as files_of
from .folders import load_tokenizer as load_tokenizer
from .hardware import default_device as default_device
from .hardware import resolve_precision as resolve_precision
from .hardware import use_threads as use_threads
from .loading import end_token_ids as end_token_ids
from .loading import load_policy as load_policy
