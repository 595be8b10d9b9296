-- Which distributions are kept of circuits under a contract. Grain: contract. Reads only.
select contract, metrics from distributions
