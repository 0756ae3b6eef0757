"""Where weights come from: models that vflow knows by name, and models of the hub.

A node calls `require` for the folder of a known model's files, and `require_hub` for that of a hub model.
"""

from vflow.models.catalogue import File as File
from vflow.models.catalogue import Model as Model
from vflow.models.catalogue import Part as Part
from vflow.models.catalogue import cache_dir as cache_dir
from vflow.models.catalogue import find as find
from vflow.models.catalogue import is_present as is_present
from vflow.models.catalogue import known as known
from vflow.models.catalogue import path as path
from vflow.models.catalogue import require as require
from vflow.models.hub_cache import hub_present as hub_present
from vflow.models.hub_cache import hub_snapshot as hub_snapshot
from vflow.models.hub_cache import is_hub_name as is_hub_name
from vflow.models.hub_cache import require_hub as require_hub
from vflow.models.progress import Progress as Progress
from vflow.models.wheels import pull as pull
