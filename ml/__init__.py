"""Training, inference and the gate: SageMaker's container contract, generic over use cases.

The jobs run in SageMaker's XGBoost framework container (Python 3.10, whose packages are fixed) as
well as here, so this package uses xgboost, numpy, scipy, pandas, pyarrow and matplotlib, the plain
part of `glue`, and nothing that is newer than that Python. Only `package` and `launch` run on a
person's machine alone.
"""
