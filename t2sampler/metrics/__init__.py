"""Measures of synthetic tables: fidelity, privacy and what they are good for."""

from t2sampler.metrics._closest import (
    ClosestRecord,
    NeighborRatio,
    distance_to_closest_record,
    nearest_neighbor_distance_ratio,
)
from t2sampler.metrics._correlation import correlation_distance
from t2sampler.metrics._cross_modal import cross_modal_distance
from t2sampler.metrics._detection import Detection, detection_score
from t2sampler.metrics._duplicates import Duplicates, duplicate_rate
from t2sampler.metrics._gain import AugmentationGain, augmentation_gain
from t2sampler.metrics._marginal import MarginalDistance, marginal_distance
from t2sampler.metrics._membership import membership_inference_auc
from t2sampler.metrics._support import alpha_precision, authenticity, beta_recall
from t2sampler.metrics._transfer import Transfer, train_on_synthetic_test_on_real

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
