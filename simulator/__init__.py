"""A seeded network: samples in Avro, and the truth about them.

Knows the vocabulary and not the pipeline, otherwise it would repeat the pipeline's mistakes.
"""
