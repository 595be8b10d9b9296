-- Whose distributions are kept beside latency's: what contracts ask percentiles of.

-- Grain: contract. Written when a node starts, read when its channels are loaded. metrics: bits
-- 2^number of processors.buckets.DISTRIBUTIONS. Its counts lie in latency_histogram, with the
-- metric's number above the bucket's twelve bits (latency is 0).
create table distributions (contract varchar primary key, metrics utinyint not null);
