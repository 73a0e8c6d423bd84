from .checks import examine as examine
from .page import page_of as page_of
from .rows import Examination as Examination
from .rows import Row as Row
from .terminal import print_examination as print_examination
from .tokens import ShownPair as ShownPair
