"""Training, inference and the gate: SageMaker's container contract, generic over use cases.

The jobs run in SageMaker's XGBoost framework container (Python 3.10, whose packages are fixed) as
well as here, so this package uses `features`, xgboost, numpy, scipy, pandas, pyarrow and
matplotlib, onnx and onnxruntime (`ml.package` has the container install them for jobs; endpoints
have neither), and nothing that is newer than that Python. Only `package`, `wheels` and `launch` run
on a person's machine alone.
"""
