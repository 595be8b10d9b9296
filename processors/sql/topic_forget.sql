-- Follow no topic: how far channels are is what was written down.
-- Grain: one row. Inputs: followed_topic. Idempotent.
delete from followed_topic
