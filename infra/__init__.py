"""The CDK app: topology as plain data, constructs that own resources, stacks that wire them.

Nothing here calls AWS: what is deployed follows from the catalog and the context alone.
"""
