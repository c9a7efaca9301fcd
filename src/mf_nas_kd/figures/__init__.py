"""Pictures of tables, and the report that has pictures and tables on one page."""

from mf_nas_kd.figures.accuracies import accuracies_picture
from mf_nas_kd.figures.benchmark import regret_against_cost, search_summary_text
from mf_nas_kd.figures.charts import agreement_chart, progress_chart
from mf_nas_kd.figures.confusion import confusion_picture
from mf_nas_kd.figures.correlation import correlation_against_cost, low_against_full
from mf_nas_kd.figures.devices import device_sentences, device_table
from mf_nas_kd.figures.duplicates import duplicates_picture
from mf_nas_kd.figures.facts import evaluation_summary, evaluation_tables, facts, failure_summary, search_facts
from mf_nas_kd.figures.fronts import front_summary_text, hypervolume_against_cost
from mf_nas_kd.figures.image_facts import image_facts, image_warnings
from mf_nas_kd.figures.images import sample_images, worst_images
from mf_nas_kd.figures.learning_curve import learning_curve
from mf_nas_kd.figures.learning_curves import learning_curves, paused_table
from mf_nas_kd.figures.network import WORST_IMAGES, NetworkContent, network_content
from mf_nas_kd.figures.page import ReportContent, early_end_page, report_page
from mf_nas_kd.figures.parts import RankingContent, SearchContent, StudyContent
from mf_nas_kd.figures.png import png
from mf_nas_kd.figures.proxies import proxies_sentence, proxies_table
from mf_nas_kd.figures.savings import savings_sentence
from mf_nas_kd.figures.search import pareto_picture, search_progress
from mf_nas_kd.figures.study_tables import correlations_table, steps_table
from mf_nas_kd.figures.verdict import verdict

__all__ = [
    "WORST_IMAGES",
    "NetworkContent",
    "RankingContent",
    "ReportContent",
    "SearchContent",
    "StudyContent",
    "accuracies_picture",
    "agreement_chart",
    "confusion_picture",
    "correlation_against_cost",
    "correlations_table",
    "device_sentences",
    "device_table",
    "duplicates_picture",
    "early_end_page",
    "evaluation_summary",
    "evaluation_tables",
    "facts",
    "failure_summary",
    "front_summary_text",
    "hypervolume_against_cost",
    "image_facts",
    "image_warnings",
    "learning_curve",
    "learning_curves",
    "low_against_full",
    "network_content",
    "pareto_picture",
    "paused_table",
    "png",
    "progress_chart",
    "proxies_sentence",
    "proxies_table",
    "regret_against_cost",
    "report_page",
    "sample_images",
    "savings_sentence",
    "search_facts",
    "search_progress",
    "search_summary_text",
    "steps_table",
    "verdict",
    "worst_images",
]
