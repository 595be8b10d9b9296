-- Forget which distributions are kept; what was counted stays. Idempotent.
delete from distributions
