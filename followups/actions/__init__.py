"""Writes of follow-ups: who visits, what was found, what the reviewer decided."""

from followups.actions.attachments import attach_file, hand_out_file, remove_file
from followups.actions.attempts import ask_for_field_visit, close_as_lost, record_attempt
from followups.actions.install import install_default_checklist
from followups.actions.leases import hold_visit, let_go
from followups.actions.methods import choose_method
from followups.actions.notices import mark_read
from followups.actions.opinions import sign_opinion
from followups.actions.pauses import pause_clock, resume_clock
from followups.actions.property_visits import ask_for_property_visit
from followups.actions.refusals import (
    AlreadyDecided,
    AlreadySubmitted,
    DraftTooLarge,
    FileRefused,
    HeldElsewhere,
    InvalidAnswers,
    LightItem,
    MethodWrong,
    MissingAnswers,
    NotApprovedYet,
    NotSecondVisitor,
    NotUnreachable,
    NotYours,
    OpinionMissing,
    OpinionWrong,
    OwnReport,
    PauseWrong,
    ReasonMissing,
    SecondVisitorWrong,
    StaleReport,
    StaleVersion,
    TaskAlreadyEnded,
    WrongAttempt,
    WrongDate,
    WrongOfficer,
    WrongState,
)
from followups.actions.review import approve_report, hand_out_pdf, return_report
from followups.actions.skips import OwnSkip, SkipDecided, SkipRefused, ask_to_skip, decide_skip
from followups.actions.tasks import assign, claim, reschedule
from followups.actions.visits import ReportContent, preview, save_draft, start_visit, submit_visit

__all__ = [
    "AlreadyDecided",
    "AlreadySubmitted",
    "DraftTooLarge",
    "FileRefused",
    "HeldElsewhere",
    "InvalidAnswers",
    "LightItem",
    "MethodWrong",
    "MissingAnswers",
    "NotApprovedYet",
    "NotSecondVisitor",
    "NotUnreachable",
    "NotYours",
    "OpinionMissing",
    "OpinionWrong",
    "OwnReport",
    "PauseWrong",
    "OwnSkip",
    "ReasonMissing",
    "ReportContent",
    "SecondVisitorWrong",
    "SkipDecided",
    "SkipRefused",
    "StaleReport",
    "StaleVersion",
    "TaskAlreadyEnded",
    "WrongAttempt",
    "WrongDate",
    "WrongOfficer",
    "WrongState",
    "approve_report",
    "ask_for_field_visit",
    "ask_for_property_visit",
    "choose_method",
    "hold_visit",
    "let_go",
    "pause_clock",
    "resume_clock",
    "ask_to_skip",
    "attach_file",
    "hand_out_file",
    "hand_out_pdf",
    "assign",
    "claim",
    "close_as_lost",
    "decide_skip",
    "install_default_checklist",
    "mark_read",
    "preview",
    "record_attempt",
    "remove_file",
    "reschedule",
    "return_report",
    "save_draft",
    "sign_opinion",
    "start_visit",
    "submit_visit",
]
