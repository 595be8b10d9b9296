-- Grain: one row. How often the writer changed how far channels are: it names the state that a
-- reader sees, so that what the writer holds of it in memory is known to be the same.
create table commits (number bigint not null);

insert into commits values (0);
