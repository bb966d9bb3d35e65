"""SageMaker on this machine: training jobs, models, endpoints and the model registry.

A server that speaks SageMaker's own protocol, so that boto3 and its waiters work on it: jobs and
endpoints run as processes with the folders and variables of SageMaker's containers. Its state
is stored under the platform's home and outlives the process.
"""
