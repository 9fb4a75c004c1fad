"""Writes of follow-ups: who visits, what was found, what the reviewer decided."""

from followups.actions.install import install_default_checklist
from followups.actions.refusals import (
    AlreadyDecided,
    AlreadySubmitted,
    DraftTooLarge,
    InvalidAnswers,
    LightItem,
    MissingAnswers,
    NotApprovedYet,
    NotYours,
    OwnReport,
    ReasonMissing,
    SecondVisitorWrong,
    StaleReport,
    StaleVersion,
    TaskAlreadyEnded,
    WrongDate,
    WrongOfficer,
    WrongState,
)
from followups.actions.review import approve_report, hand_out_pdf, return_report
from followups.actions.tasks import assign, claim, reschedule
from followups.actions.visits import ReportContent, preview, save_draft, start_visit, submit_visit

__all__ = [
    "AlreadyDecided",
    "AlreadySubmitted",
    "DraftTooLarge",
    "InvalidAnswers",
    "LightItem",
    "MissingAnswers",
    "NotApprovedYet",
    "NotYours",
    "OwnReport",
    "ReasonMissing",
    "ReportContent",
    "SecondVisitorWrong",
    "StaleReport",
    "StaleVersion",
    "TaskAlreadyEnded",
    "WrongDate",
    "WrongOfficer",
    "WrongState",
    "approve_report",
    "hand_out_pdf",
    "assign",
    "claim",
    "install_default_checklist",
    "preview",
    "reschedule",
    "return_report",
    "save_draft",
    "start_visit",
    "submit_visit",
]
