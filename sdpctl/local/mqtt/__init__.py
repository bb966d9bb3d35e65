"""The stand-in for AWS IoT Core: a broker that does what topic rules and thing policies say."""
