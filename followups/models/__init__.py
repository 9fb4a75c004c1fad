"""Tables of follow-ups: policy as data, tasks, visits, reports, and the events their clocks run on.

A task exists exactly once per (loan, rule, cycle). Legal state changes are held by a trigger as
well as by `rules.states`. Events and approved content are append-only.
"""

from followups.models.across import AcrossPair, AcrossQuerySet, AcrossWhy
from followups.models.alerts import Alert, AlertAudience, AlertCode
from followups.models.attachments import AttachmentProof, AttachmentRemoval, PhotoExit, VisitAttachment
from followups.models.attempts import ContactOutcome, VisitAttempt
from followups.models.corrections import CorrectionQuerySet, CorrectionReason, CorrectionState, ReportCorrection
from followups.models.desk import ReassignRequest, ReassignState, SavedView
from followups.models.digests import Digest, DigestCode, DigestRun
from followups.models.events import Event, EventFeed, EventFinding, EventSource, EventSubject, EventVisit, Finding
from followups.models.handover import HandOver, HandOverItem
from followups.models.letters import (
    DeliveryWay,
    Letter,
    LetterDelivery,
    LetterKind,
    LetterQuerySet,
    LetterWithdrawal,
)
from followups.models.measures import Measure, MeasureState, ResponseMeasure
from followups.models.merging import MergedTask, MergeMode
from followups.models.notices import Audience, Notice, NoticeCode, NoticeQuerySet, NoticesRead, SkipRequest, SkipState
from followups.models.outside import OutsideRecord
from followups.models.policy import Checklist, FollowUpPolicy, FollowUpPolicyLine
from followups.models.projects import ProjectLoan, ProjectQuerySet, ProjectVisit
from followups.models.promises import PromiseState, PromiseToPay
from followups.models.quality import ReportQuality
from followups.models.regulations import Regulation, RegulationParameter, RegulationPolicy, RegulationState
from followups.models.reports import (
    Difference,
    ReportQuerySet,
    ReportState,
    ReportTemplate,
    ReturnReason,
    VisitReport,
)
from followups.models.results import CustomerResult, HeardBy, ResultQuerySet, ResultTelling, TellChannel, TellWhy
from followups.models.reuse import Decision, ReportReference
from followups.models.review import PHOTO_HINTS, HintCode, ReportHint, ReportOpening, ReportText
from followups.models.tasks import (
    OPEN_STATES,
    EventKind,
    Level,
    Method,
    Outcome,
    PauseReason,
    Subject,
    TaskEvent,
    TaskKind,
    TaskQuerySet,
    TaskState,
    VisitTask,
)
from followups.models.visits import Conclusion, SecondOpinion, Visit, VisitLease

__all__ = [
    "AcrossPair",
    "AcrossQuerySet",
    "AcrossWhy",
    "Alert",
    "AlertAudience",
    "AlertCode",
    "AttachmentProof",
    "AttachmentRemoval",
    "Audience",
    "Checklist",
    "Conclusion",
    "ContactOutcome",
    "CorrectionQuerySet",
    "CorrectionReason",
    "CorrectionState",
    "CustomerResult",
    "Decision",
    "DeliveryWay",
    "Difference",
    "Digest",
    "DigestCode",
    "DigestRun",
    "Event",
    "EventFeed",
    "EventFinding",
    "EventKind",
    "EventSource",
    "EventSubject",
    "EventVisit",
    "Finding",
    "FollowUpPolicy",
    "FollowUpPolicyLine",
    "HandOver",
    "HandOverItem",
    "HeardBy",
    "HintCode",
    "Letter",
    "LetterDelivery",
    "LetterKind",
    "LetterQuerySet",
    "LetterWithdrawal",
    "Level",
    "Measure",
    "MeasureState",
    "MergeMode",
    "MergedTask",
    "Method",
    "Notice",
    "NoticeCode",
    "NoticeQuerySet",
    "NoticesRead",
    "OPEN_STATES",
    "OutsideRecord",
    "PHOTO_HINTS",
    "Outcome",
    "PauseReason",
    "PhotoExit",
    "ReassignRequest",
    "ReassignState",
    "SavedView",
    "PromiseState",
    "PromiseToPay",
    "Regulation",
    "RegulationParameter",
    "RegulationPolicy",
    "RegulationState",
    "ReportCorrection",
    "ReportHint",
    "ReportQuality",
    "ReportOpening",
    "ProjectLoan",
    "ProjectQuerySet",
    "ProjectVisit",
    "ReportQuerySet",
    "ReportReference",
    "ReportState",
    "ReportTemplate",
    "ReportText",
    "ResponseMeasure",
    "ResultQuerySet",
    "ResultTelling",
    "ReturnReason",
    "SecondOpinion",
    "Subject",
    "SkipRequest",
    "SkipState",
    "TaskEvent",
    "TaskKind",
    "TaskQuerySet",
    "TaskState",
    "Visit",
    "TellChannel",
    "TellWhy",
    "VisitAttachment",
    "VisitAttempt",
    "VisitLease",
    "VisitReport",
    "VisitTask",
]
