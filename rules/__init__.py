"""What payers and code sets ask for, as data."""

from rules.reference import Procedure, add_on_parents, base_rate, family, fee, procedures

__all__ = ["Procedure", "add_on_parents", "base_rate", "family", "fee", "procedures"]
