"""The front-end that a chain is nearest to, and in what they differ."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np

from visualizer.errors import ConfigError
from visualizer.mel.flat import MelConfig, flat_names
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import PRESETS
from visualizer.mel.stage import Stage
from visualizer.tools.identify.agreement import Agreement, held
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.found import Difference, Identified
from visualizer.tools.identify.observation import Observation
