-- Channels are from now on as far as the watermarks of a topic, or as they were.
-- Grain: one row. Inputs: followed_topic, emptied before; $topic. Not idempotent.
insert into followed_topic values ($topic)
