"""What the functions need of AWS, one module for each resource; `lambdas.adapters` provides it."""
