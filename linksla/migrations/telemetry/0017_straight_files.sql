-- Samples of a node that catches up go straight to files: nothing was moved from the table, so the
-- range of such a file says nothing of how far moving is.
alter table sample_files add column straight boolean default false;
