"""Errors that a user can mend, in one family. Each knows its exit code (command line) and its status (HTTP).

A message names fields, files and remedies, never the content of a claim.
"""

from __future__ import annotations


class DenialsError(Exception):
    """Base of every error shown to a user without a traceback."""

    exit_code = 2
    http_status = 400


class UsageError(DenialsError):
    """The command or the call was not understood."""


class UnreadableFileError(DenialsError):
    """A file that cannot be read as what it should be: empty, of another kind, or without a required column."""

    exit_code = 10
    http_status = 422


class TooManyRejectsError(DenialsError):
    """A larger share of the rows was rejected than the site allows."""

    exit_code = 11
    http_status = 422


class RuleBookError(DenialsError):
    """A rule book or a bulk table is not valid: which file, where, and what was expected."""

    exit_code = 12
    http_status = 500


class GateFailedError(DenialsError):
    """The challenger did not pass the gate; the champion stays."""

    exit_code = 13
    http_status = 409


class NoModelError(DenialsError):
    """There is no model to score with, or its folder is damaged."""

    exit_code = 14
    http_status = 503


class ModelMismatchError(NoModelError):
    """The model uses features that this version of the code builds differently or not at all."""


class OutOfReachError(DenialsError):
    """A database or service that is needed does not answer."""

    exit_code = 15
    http_status = 503


class JournalError(OutOfReachError):
    """What must be kept before it is answered cannot be: the disk or the journal's share of it is full."""


class UnknownScoreError(DenialsError):
    """No score of this id was given out here, or it is older than the site keeps them."""

    http_status = 404


class DecisionError(DenialsError):
    """What is said of a biller's decision has another shape or other words than are kept."""

    http_status = 422
