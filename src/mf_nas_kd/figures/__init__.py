"""Pictures of tables, and the report that has pictures and tables on one page."""

from mf_nas_kd.figures.benchmark import regret_against_cost, search_summary_text
from mf_nas_kd.figures.correlation import correlation_against_cost, low_against_full
from mf_nas_kd.figures.facts import evaluation_summary, evaluation_tables, facts, failure_summary
from mf_nas_kd.figures.images import sample_images
from mf_nas_kd.figures.page import ReportContent, report_page
from mf_nas_kd.figures.search import pareto_picture, search_progress
from mf_nas_kd.figures.teacher import learning_curve
from mf_nas_kd.figures.verdict import verdict

__all__ = [
    "ReportContent",
    "correlation_against_cost",
    "evaluation_summary",
    "evaluation_tables",
    "facts",
    "failure_summary",
    "learning_curve",
    "low_against_full",
    "pareto_picture",
    "regret_against_cost",
    "report_page",
    "sample_images",
    "search_progress",
    "search_summary_text",
    "verdict",
]
