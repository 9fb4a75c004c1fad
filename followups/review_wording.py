"""Puts what stands beside a report into words: quality hints with the way to their proof, whose turn it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followups.models import HintCode, ReportHint, VisitReport


@dataclass(frozen=True, slots=True)
class HintWords:
    """A hint as the queue and the report say it, and where its proof is."""

    code: str
    short: str
    words: str
    proof: str
    href: str


def hint_words(hint: ReportHint, report: VisitReport, seen_files: Iterable[int] = ()) -> HintWords:
    """`seen_files`: files of other visits that the reader may open."""
    data: Mapping[str, Any] = hint.data
    made = {
        HintCode.QUICK: _quick,
        HintCode.LATE_HOUR: _late,
        HintCode.MONTH_END: _bunched,
        HintCode.NO_RECORDING: _no_recording,
        HintCode.LOOK_ALIKE: _look_alike,
        HintCode.PHOTO_REUSED: _photo_reused,
        HintCode.PHOTO_ALIKE: _photo_alike,
        HintCode.PHOTO_FAR: _photo_far,
    }
    return made[HintCode(hint.code)](hint, report, data, set(seen_files))


def _quick(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    seconds = int(data["seconds"])
    short = ngettext("%(count)s秒", "%(count)s秒", seconds) % {"count": seconds}
    words = _("全部无变化，%(short)s内答完") % {"short": short}
    return HintWords(hint.code, short, words, _("看用时"), "#clock")


def _late(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    return HintWords(hint.code, _("深夜"), _("%(hour)s 时录入提交") % {"hour": data["hour"]}, _("看用时"), "#clock")


def _bunched(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    count = int(data["reports"])
    words = ngettext("月末一天提交 %(count)s 份", "月末一天提交 %(count)s 份", count) % {"count": count}
    day = report.submitted_on.isoformat()
    asked = f"?submitted_by={report.submitted_by.staff_no}&submitted_from={day}&submitted_to={day}"
    return HintWords(hint.code, _("月末集中"), words, _("看名单"), reverse("followups:reports") + asked)


def _no_recording(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    return HintWords(hint.code, _("无录音"), _("电话回访没有录音编号"), _("看联系记录"), "#evidence")


def _look_alike(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    assert hint.other is not None
    short = _("相似 %(percent)s%%") % {"percent": data["percent"]}
    words = _("与报告 %(number)s 文字相似 %(percent)s%%") % {"number": hint.other.number, "percent": data["percent"]}
    href = reverse("followups:look_alike", args=[report.pk, hint.other_id])
    return HintWords(hint.code, short, words, _("逐段对比"), href)


def _photo_reused(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], seen: set[int]) -> HintWords:
    words = _("照片 %(name)s 曾用于借据 %(note)s") if data["other"] in seen else _("照片 %(name)s 曾用于其他机构的贷款")
    told = {"name": data["name"], "note": data["loan_note_no"]}
    return HintWords(hint.code, _("照片重复"), words % told, _("对照"), _photo_proof(hint, report))


def _photo_alike(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], seen: set[int]) -> HintWords:
    told = {"name": data["name"], "note": data["loan_note_no"], "percent": data["percent"]}
    if data["other"] in seen:
        words = _("照片 %(name)s 与借据 %(note)s 的照片相似 %(percent)s%%") % told
    else:
        words = _("照片 %(name)s 与其他机构贷款的照片相似 %(percent)s%%") % told
    return HintWords(hint.code, _("照片相似 %(percent)s%%") % told, words, _("对照"), _photo_proof(hint, report))


def _photo_far(hint: ReportHint, report: VisitReport, data: Mapping[str, Any], _seen: set[int]) -> HintWords:
    away = distance(int(data["meters"]))
    words = _("照片 %(name)s 拍摄位置距押品 %(away)s") % {"name": data["name"], "away": away}
    return HintWords(hint.code, _("距押品 %(away)s") % {"away": away}, words, _("看照片"), _photo_proof(hint, report))


def _photo_proof(hint: ReportHint, report: VisitReport) -> str:
    return reverse("followups:photo_proof", args=[report.pk, hint.pk])


def distance(meters: int) -> str:
    """1113 → 1.1 公里; below one kilometre in metres."""
    if meters < 1000:
        return _("%(meters)s 米") % {"meters": meters}
    return _("%(kilometers)s 公里") % {"kilometers": f"{meters // 1000}.{meters % 1000 // 100}"}


def queue_word(hints: list[HintWords]) -> str:
    """What the queue shows of a report's hints: the one there is, or how many."""
    if len(hints) == 1:
        return hints[0].short
    return _("质量 %(count)s") % {"count": len(hints)} if hints else ""


def state_words(report: VisitReport) -> str:
    """The report's state, saying whose turn it is while it waits."""
    if report.waits_for == "RISK":
        return _("待风险审核")
    return str(report.get_state_display())
