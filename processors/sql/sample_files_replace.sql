-- Files whose samples lie in another by now count no more.
-- Grain: file. Inputs: $generations, a list. Idempotent.
update sample_files
set removed_at_us = $now_us
where removed_at_us is null and list_contains($generations, generation)
