"""Training: from a snapshot to a model folder that has shown what it can do."""

from training.model import DenialModel

__all__ = ["DenialModel"]
