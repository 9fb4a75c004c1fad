"""Files of a visit: taken in, put under the question they prove, taken out again before the report is handed in,
handed out with a record.

A file is judged by its content. A photo is written anew, so that place and device of the camera are
gone; the hash of what came and of what is kept stay. A photo that lies with another loan too is
flagged, not refused: one home may stand behind two loans.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from followups import photos
from followups.actions.corrections import may_move_file, require_corrector, require_writable
from followups.actions.refusals import FileRefused, NotYours, QuestionNotAsked
from followups.actions.review import TAKING
from followups.actions.tasks import add_event, locked_task, require_visitor, tell
from followups.actions.visits import visit_of
from followups.models import AttachmentProof, AttachmentRemoval, EventKind, Visit, VisitAttachment, VisitTask
from followups.queries.attachments import attachments_of, most_megabytes, reused
from followups.queries.facts import is_known_to
from followups.queries.form import questions_of
from followups.queries.photos import place_of_home
from followups.rules import attachments as rules
from journal.actions import store_exhibit
from journal.queries import exhibit_bytes
from loans.queries import require_business_date
from people.actions import NotAllowed, require
from people.models import Staff
from people.queries import may

_PIECE = 1 << 16


@dataclass(frozen=True)
class _Kept:
    """A file as it will be kept, and the hash and size of what came."""

    content: bytes
    kind: str
    sent_sha256: str
    sent_size: int
    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    thumbnail: bytes = b""
    look: int | None = None


@transaction.atomic
def attach_file(
    *,
    task_id: int,
    file: IO[bytes],
    name: str,
    place: rules.Place | None = None,
    item: str = "",
    by: Staff,
    at: datetime,
) -> VisitAttachment:
    """Keeps a photo or a PDF with the visit; the same file again is the one that lies there already.

    `place`: where the device was, given only with the borrower's consent; a document has none.
    `item`: the question of the visit that the file proves; empty for general evidence.
    """
    require(by, "followups.record_visit")
    seen = VisitTask.objects.visible_to(by).get(pk=task_id)
    _require_asked(_require_open(seen, by), item)
    kept = _kept(file, at)
    task = locked_task(task_id, by)
    visit = _require_open(task, by)
    here = attachments_of(visit)
    known = here.filter(sent_sha256=kept.sent_sha256).first()
    if known is not None:
        return _known_under(known, visit, item, by=by, at=at)
    if here.count() >= rules.MOST_FILES:
        raise FileRefused(_("一次回访最多 %(most)s 个附件。") % {"most": rules.MOST_FILES})
    row = VisitAttachment.objects.create(
        visit=visit,
        exhibit=store_exhibit(content=kept.content, media_type=kept.kind, at=at),
        name=rules.file_name(name, kept.kind),
        sent_sha256=kept.sent_sha256,
        sent_size=kept.sent_size,
        width=kept.width,
        height=kept.height,
        taken_at=kept.taken_at,
        **_seen(kept, at),
        **_placed(place if kept.kind != rules.PDF else None, task.loan_id),
        by=by,
        at=at,
        business_date=require_business_date(),
    )
    _put_under(row, item, by=by, at=at)
    is_reused = bool(reused([row], task.loan_id))
    facts = {"attachment_id": row.pk, "sha256": row.exhibit.sha256, "is_reused": is_reused, "item": item}
    add_event(task, EventKind.FILE_ADDED, by=by.staff_no, at=at, **facts)
    tell(task, "followups.file_added", by=by, at=at, sent_sha256=row.sent_sha256, **facts)
    return row


@transaction.atomic
def assign_file(*, attachment_id: int, item: str, by: Staff, at: datetime) -> VisitAttachment:
    """Puts a file of an open visit under another of its questions, or back among the general evidence."""
    require(by, "followups.record_visit")
    found = VisitAttachment.objects.select_related("visit").get(pk=attachment_id)
    task = locked_task(found.visit.task_id, by)
    visit = _require_open(task, by)
    row = attachments_of(visit).filter(pk=attachment_id).first()
    if row is None:
        raise FileRefused(_("该附件已移除。"))
    _require_asked(visit, item)
    if row.item == item:
        return row
    _require_movable(row, visit)
    facts = {"attachment_id": row.pk, "sha256": row.exhibit.sha256, "item": item, "item_before": row.item}
    AttachmentProof.objects.create(attachment=row, item=item, by=by, at=at)
    row.item = item
    tell(task, "followups.file_assigned", by=by, at=at, **facts)
    return row


def _known_under(known: VisitAttachment, visit: Visit, item: str, *, by: Staff, at: datetime) -> VisitAttachment:
    """A file that lies there already; sent for another question than it proves it is not moved in passing."""
    if not item or known.item == item:
        return known
    if not known.item:
        return assign_file(attachment_id=known.pk, item=item, by=by, at=at)
    name = dict(questions_of(visit)).get(known.item, known.item)
    raise FileRefused(_("该文件已作为“%(question)s”的佐证。需要改归时，请在附件列表中修改。") % {"question": name})


def _put_under(row: VisitAttachment, item: str, *, by: Staff, at: datetime) -> None:
    """A file that comes for a question is put under it; one that comes for none is general evidence without a word."""
    row.item = item
    if item:
        AttachmentProof.objects.create(attachment=row, item=item, by=by, at=at)


def _require_asked(visit: Visit, item: str) -> None:
    """Refuses a question that the visit does not ask, or a fact that the system tells."""
    if item and item not in dict(questions_of(visit)):
        raise QuestionNotAsked


def _require_movable(row: VisitAttachment, visit: Visit) -> None:
    if not may_move_file(visit.correction, row.at):
        raise FileRefused(_("该附件已列入审核通过的报告，更正时只能补充附件，不能移除或改归。"))


def _seen(kept: _Kept, at: datetime) -> dict[str, Any]:
    """The small picture and the look of a photo."""
    if not kept.thumbnail:
        return {}
    look = {"look": rules.signed(kept.look), "look_bands": rules.bands_of(kept.look)} if kept.look is not None else {}
    return {"thumbnail": store_exhibit(content=kept.thumbnail, media_type=rules.JPEG, at=at), **look}


def _placed(place: rules.Place | None, loan_id: int) -> dict[str, Any]:
    """The position, and how far it is from the home."""
    if place is None:
        return {}
    home = place_of_home(loan_id)
    off = None if home is None else rules.meters_between(home, (place.latitude, place.longitude))
    return {
        "latitude": place.latitude, "longitude": place.longitude, "accuracy_meters": place.accuracy, "meters_off": off,
    }  # fmt: skip


@transaction.atomic
def remove_file(*, attachment_id: int, by: Staff, at: datetime) -> None:
    """Takes a file out of a visit that is still open; it stays kept and on record. Again it changes nothing."""
    require(by, "followups.record_visit")
    row = VisitAttachment.objects.select_related("visit", "exhibit").get(pk=attachment_id)
    task = locked_task(row.visit.task_id, by)
    _require_movable(row, _require_open(task, by))
    _removal, is_new = AttachmentRemoval.objects.get_or_create(attachment=row, defaults={"by": by, "at": at})
    if not is_new:
        return
    facts = {"attachment_id": row.pk, "sha256": row.exhibit.sha256}
    add_event(task, EventKind.FILE_REMOVED, by=by.staff_no, at=at, **facts)
    tell(task, "followups.file_removed", by=by, at=at, **facts)


@transaction.atomic
def hand_out_file(*, attachment: VisitAttachment, by: Staff, at: datetime) -> bytes:
    """The file's bytes, with a record of who took them; the caller has checked that it is visible.

    Who may not take a report's PDF takes no file of it either (decision 0007).
    """
    task = attachment.visit.task
    if not is_known_to(task, by) and not any(may(by, permission) for permission in TAKING):
        raise NotAllowed(_("您的岗位不能领取该附件。"))
    content = exhibit_bytes(attachment.exhibit)
    if hashlib.sha256(content).hexdigest() != attachment.exhibit.sha256:
        raise FileRefused(_("附件与存档的校验码不一致，不能领取。"))
    tell(task, "followups.file_handed_out", by=by, at=at, attachment_id=attachment.pk, sha256=attachment.exhibit.sha256)
    return content


def thumbnail_bytes(*, attachment: VisitAttachment, by: Staff) -> bytes | None:
    """The small picture for who may take the file; None for a document, or a photo kept before there were any."""
    task = attachment.visit.task
    if not is_known_to(task, by) and not any(may(by, permission) for permission in TAKING):
        raise NotAllowed(_("您的岗位不能领取该附件。"))
    return exhibit_bytes(attachment.thumbnail) if attachment.thumbnail is not None else None


def too_large(megabytes: int) -> FileRefused:
    """Said where a file is cut off while it comes, and where it is measured."""
    return FileRefused(_("文件超过 %(most)s MB，没有保存。请压缩或拍小一些后再传。") % {"most": megabytes})


def _require_open(task: VisitTask, by: Staff) -> Visit:
    """The visit of a task that is still to be made or mended, by one of its visitors; of a correction by who makes it
    or went along."""
    require_writable(task)
    visit = visit_of(task)
    if visit.correction is not None:
        if visit.second_visitor_id != by.pk:
            require_corrector(visit.correction, by)
        return visit
    if task.assigned_to is None:
        raise NotYours("")
    require_visitor(task, by)
    return visit


def _kept(file: IO[bytes], at: datetime) -> _Kept:
    size, megabytes = file.seek(0, os.SEEK_END), most_megabytes()
    if size > megabytes << 20:
        raise too_large(megabytes)
    file.seek(0)
    kind = rules.media_type(file.read(rules.HEAD_BYTES))
    if not kind:
        raise FileRefused(_("只接受 JPEG、PNG 照片和 PDF 文件（按内容判断，不看文件名）。"))
    digest = _sha256(file)
    if kind == rules.PDF:
        return _Kept(_document(file), kind, digest, size)
    try:
        photo = photos.read(file, kind, at)
    except photos.TooManyPixels as error:
        raise FileRefused(_("照片像素过大，不能打开。请用普通尺寸重拍或缩小后再传。")) from error
    except photos.Unreadable as error:
        raise FileRefused(_("照片不完整或已损坏，打不开。请重新拍摄或导出后再传。")) from error
    return _Kept(
        photo.content, kind, digest, size, photo.width, photo.height, photo.taken_at, photo.thumbnail, photo.look
    )


def _document(file: IO[bytes]) -> bytes:
    file.seek(0)
    content = file.read()
    if not rules.is_whole_pdf(content):
        raise FileRefused(_("PDF 不完整，打不开。请重新导出后再传。"))
    if rules.is_active_pdf(content):
        raise FileRefused(_("PDF 内含脚本或嵌入文件，不予接收。请打印成普通 PDF 后再传。"))
    return content


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
