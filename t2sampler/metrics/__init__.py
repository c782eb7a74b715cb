"""Metrics of synthetic tables: fidelity, privacy and use for training."""

from t2sampler.metrics._augmentation_gain import AugmentationGain, augmentation_gain
from t2sampler.metrics._authenticity import authenticity
from t2sampler.metrics._closest_record import (
    ClosestRecord,
    NeighborRatio,
    distance_to_closest_record,
    nearest_neighbor_distance_ratio,
)
from t2sampler.metrics._correlation_distance import correlation_distance
from t2sampler.metrics._cross_modal_distance import cross_modal_distance
from t2sampler.metrics._detection_score import Detection, detection_score
from t2sampler.metrics._duplicate_rate import Duplicates, duplicate_rate
from t2sampler.metrics._marginal_distance import MarginalDistance, marginal_distance
from t2sampler.metrics._membership_inference_auc import membership_inference_auc
from t2sampler.metrics._precision_recall import alpha_precision, beta_recall
from t2sampler.metrics._train_on_synthetic_test_on_real import (
    Transfer,
    train_on_synthetic_test_on_real,
)

__all__ = [
    "AugmentationGain",
    "ClosestRecord",
    "Detection",
    "Duplicates",
    "MarginalDistance",
    "NeighborRatio",
    "Transfer",
    "alpha_precision",
    "augmentation_gain",
    "authenticity",
    "beta_recall",
    "correlation_distance",
    "cross_modal_distance",
    "detection_score",
    "distance_to_closest_record",
    "duplicate_rate",
    "marginal_distance",
    "membership_inference_auc",
    "nearest_neighbor_distance_ratio",
    "train_on_synthetic_test_on_real",
]
