__version__: str

from . import abilities as abilities
from . import cli as cli
from . import config as config
from . import data as data
from . import doctor as doctor
from . import figures as figures
from . import generation as generation
from . import judging as judging
from . import losses as losses
from . import metrics as metrics
from . import models as models
from . import planning as planning
from . import report as report
from . import tables as tables
from . import training as training
from . import watching as watching
