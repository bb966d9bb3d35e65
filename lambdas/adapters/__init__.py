"""What touches the outside: AWS and the clock. The only place in `lambdas` with boto3."""
