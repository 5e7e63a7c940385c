"""The synthetic world: payers with hidden habits, a practice, its claims, and the truth about every denial."""

from data.synthetic.ceiling import ceilings
from data.synthetic.generate import Generated, generate, reachable, readjudicate
from data.synthetic.world import World, load_world

__all__ = ["Generated", "World", "ceilings", "generate", "load_world", "reachable", "readjudicate"]
