-- Forget files that are unlinked.
-- Grain: file. Inputs: $generations, a list. Idempotent.
delete from sample_files
where list_contains($generations, generation)
