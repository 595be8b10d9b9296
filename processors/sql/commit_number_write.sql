-- Number the commit this transaction becomes. Grain: one row. Idempotent.
update commits
set number = $number
