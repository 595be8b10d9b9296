"""The vocabulary that every other package shares.

In: nothing but files of this package and the configuration. Out: types, names, errors, the
clock, the two stores, SQL texts and the Avro wire form. It never imports a sibling package and
never talks to Kafka.
"""
