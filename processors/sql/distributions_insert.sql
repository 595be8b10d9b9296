-- Keep distributions of circuits under some contracts. Grain: contract. Inputs: asked (Arrow).
insert into distributions select contract, metrics from asked
