"""A comparison as a page of text."""

from __future__ import annotations

from typing import Any

from edgecv.compare.differences import EXACT_DB

_SHOWN = 8  # of a graph's nodes, the worst
_KEPT = 3
_WORTH_DB = 0.3  # a node that costs less is not worth a reformat on both its sides


def as_text(report: dict[str, Any]) -> str:
    """A report for people: the chain, what each step changed, and where."""
    lines = [
        f"{report['images']} images ({report['source']}); results judged by {report['reference']}"
    ]
    for row in report["rows"]:
        verdict = "" if row["limit"] is None else ("  ok" if row["ok"] else "  FAILED")
        lines.append(f"{row['before']} -> {row['side']}{verdict}")
        for role, gap in row["tensors"].items():
            limit = f", limit {row['limit']:.1e}" if row["limit"] is not None else ""
            values = f"max {_number(gap['max_abs'])}, relative {_number(gap['relative'])}{limit}"
            lines.append(f"  {role:<12}{values}, SQNR {_db(gap['sqnr_db'])}")
        lines.append(f"  {'results':<12}{_agreement(row['agreement'])}")
    for item in report["layers"]:
        lines += _layer_lines(item)
    for item in report["costs"]:
        lines += _cost_lines(item)
    return "\n".join(lines)


def _layer_lines(item: dict[str, Any]) -> list[str]:
    first = item["first"]
    where = f"diverges first at {first}" if first else "no node below 20 dB"
    noisy = [node for node in item["nodes"] if node["sqnr_db"] < EXACT_DB][:_SHOWN]
    rows = [
        f"  {_db(node['sqnr_db']):>9}  {'int8' if node['quantized'] else '':<5}"
        f"{node['op']:<18}{node['node']}"
        for node in noisy
    ]
    return [f"{item['bundle']}: {where}{'; the worst:' if rows else ''}", *rows]


def _cost_lines(item: dict[str, Any]) -> list[str]:
    worst = [node for node in item["nodes"] if node["gain_db"] >= _WORTH_DB][:_SHOWN]
    lines = [
        f"{item['bundle']}: its outputs have {_db(item['sqnr_db'])}; with one node left in float:",
        *(
            f"  {_db(node['sqnr_db']):>9}  {node['gain_db']:+5.1f}  {node['op']:<18}{node['node']}"
            for node in worst
        ),
    ]
    if not worst:
        return [*lines, f"  no node alone brings {_WORTH_DB} dB: the loss is spread over all"]
    kept = ",".join(node["node"] for node in worst[:_KEPT])
    return [*lines, f"to keep the first in float: --precision mixed --set build.keep=[{kept}]"]


def _agreement(found: dict[str, Any]) -> str:
    if "same_class" in found:
        gap = f"largest score gap {found['max_score_gap']:.4f}"
        return f"same best class on {found['same_class']:.1%} of images, {gap}"
    if "near5" in found:
        shares = f"{found['near5']:.1%} within 5 % of the picture, {found['near1']:.1%} within 1 %"
        return f"{found['joints']} joints: {shares}"
    if "near3" in found:
        shares = f"{found['near3']:.1%} within 3 pixels, {found['near1']:.1%} within 1 pixel"
        return f"{found['keypoints']} keypoints of both, matched {shares}"
    if "same_label" in found:
        return f"same label on {found['same_label']:.2%} of {found['pixels']} pixels"
    shares = f"{found['iou50']:.1%} at IoU 0.5, {found['iou90']:.1%} at IoU 0.9"
    return f"{found['boxes']} boxes of both, matched {shares}"


def _number(value: float | None) -> str:
    return "inf" if value is None else f"{value:.2e}"


def _db(value: float) -> str:
    return "exact" if value >= EXACT_DB else f"{value:.1f} dB"
