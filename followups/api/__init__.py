"""Follow-ups over the API: a loan as a whole, tasks and their steps, visits, reports."""

from followups.api.attachments import FileQuestion, Files, FileThumbnail, OneFile
from followups.api.attempts import AskForField, Attempts, CloseAsLost
from followups.api.capacity import CapacityView
from followups.api.certificates import Certificates, EndCertificate
from followups.api.clock import ChooseMethod, Pause, PropertyVisits, Resume
from followups.api.day_plan import DayPlanView, HandOverDetail, HandOvers, PreviewHandOver, ReverseHandOver
from followups.api.desk_steps import Announce, CloseOffSite, NameSecond, PrintedForm
from followups.api.desk_views import OneSavedView, RenameSavedView, SavedViews
from followups.api.digests import Digests
from followups.api.events import EventKinds, EventWithdraw, LoanEvents, LoanRegistrable, Merge, Unmerge
from followups.api.leave import EndLeave, Leaves
from followups.api.letters import LetterDeliver, LetterDetail, LetterPdf, LetterUndo, LetterWithdraw, LoanLetters
from followups.api.loans import LoanDetail, LoanTimeline
from followups.api.notices import Notices, TaskSkip, TaskSkipDecide
from followups.api.projects import EstateDetail, ProjectDetail, ProjectVisits
from followups.api.reassigns import TaskReassign, TaskReassignDecide
from followups.api.relations import EndRelation, Relations
from followups.api.reports import Approve, ReportDetail, ReportList, ReportPdf, Return
from followups.api.results import (
    CustomerStatus,
    LoanCustomerStatus,
    Results,
    TaskResult,
    TaskResultAsked,
    TaskResultUndo,
)
from followups.api.reuse import PastVisits, ReportReferences
from followups.api.signals import (
    LoanSignals,
    SignalActionFinish,
    SignalActions,
    SignalAnswer,
    SignalClose,
    SignalDetail,
    Signals,
)
from followups.api.tasks import Assign, Claim, Reschedule, TaskDetail, TaskList
from followups.api.turn_around import TurnAroundTaskList, TurnAroundView
from followups.api.visit_register import VisitRegisterRows, VisitRegisterView
from followups.api.visits import Preview, SaveDraft, SignOpinion, Start, Submit, VisitDetail

__all__ = [
    "Announce",
    "Approve",
    "AskForField",
    "Assign",
    "Attempts",
    "Claim",
    "CloseAsLost",
    "CloseOffSite",
    "NameSecond",
    "OneSavedView",
    "PrintedForm",
    "RenameSavedView",
    "SavedViews",
    "CapacityView",
    "CustomerStatus",
    "LetterDeliver",
    "LetterDetail",
    "LetterPdf",
    "LetterUndo",
    "LetterWithdraw",
    "LoanLetters",
    "LoanCustomerStatus",
    "Results",
    "TaskResult",
    "TaskResultAsked",
    "TaskResultUndo",
    "ChooseMethod",
    "Certificates",
    "DayPlanView",
    "Digests",
    "EndCertificate",
    "EndLeave",
    "HandOverDetail",
    "HandOvers",
    "Notices",
    "PreviewHandOver",
    "ReverseHandOver",
    "TaskReassign",
    "TaskReassignDecide",
    "TaskSkip",
    "TaskSkipDecide",
    "TurnAroundTaskList",
    "TurnAroundView",
    "VisitRegisterRows",
    "VisitRegisterView",
    "Leaves",
    "EndRelation",
    "EstateDetail",
    "EventKinds",
    "EventWithdraw",
    "FileQuestion",
    "FileThumbnail",
    "Files",
    "LoanDetail",
    "LoanEvents",
    "LoanRegistrable",
    "LoanSignals",
    "SignalActionFinish",
    "SignalActions",
    "SignalAnswer",
    "SignalClose",
    "SignalDetail",
    "Signals",
    "LoanTimeline",
    "Merge",
    "OneFile",
    "PastVisits",
    "Pause",
    "Preview",
    "ProjectDetail",
    "ProjectVisits",
    "PropertyVisits",
    "Relations",
    "ReportDetail",
    "ReportList",
    "ReportPdf",
    "ReportReferences",
    "Reschedule",
    "Resume",
    "Return",
    "SaveDraft",
    "SignOpinion",
    "Start",
    "Submit",
    "TaskDetail",
    "TaskList",
    "Unmerge",
    "VisitDetail",
]
