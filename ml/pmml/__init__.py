"""A regression or decision tree of a PMML file as a model of ours, or the reason why not.

Read strictly: an element or attribute that changes a score and is not evaluated exactly is refused
with its name. Jobs and endpoint have no part of this: what they get is a model as any other.
Source: PMML 4.0 to 4.4, RegressionModel and TreeModel, as exporters of scikit-learn write them.

A file that is PMML and cannot be exact is a challenger that the gate refuses: `refusal`.

`importing` makes the model; it is not loaded here, because its libraries take a second.
"""

from ml.pmml.elements import LARGEST, PmmlError, UnreadableError
from ml.pmml.reading import Regression, Split, Tree, document, read

__all__ = [
    "LARGEST",
    "PmmlError",
    "Regression",
    "Split",
    "Tree",
    "UnreadableError",
    "document",
    "read",
]
