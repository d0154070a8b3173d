/**
 * Numbers that are kept elsewhere, as metrics that are read when they are asked for.
 * @module
 */
import { Counter, Gauge, type Registry } from "prom-client";

/** Values of a label each. */
export type Labels = Readonly<Record<string, string>>;

/** One series at the moment it is read. */
export type Sample = readonly [labels: Labels, value: number];

/** What a metric is called, and how its samples are read. */
export interface ExposedMetric<T> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => Iterable<T> | Promise<Iterable<T>>;
}

/** A histogram in plain numbers. */
export class Buckets {
  /** The largest value of each bucket, ascending; one more bucket has the rest. */
  readonly upperEnds: readonly number[];
  /** Of each bucket alone: what is exposed adds up those before it. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(upperEnds: readonly number[]) {
    this.upperEnds = upperEnds;
    this.counts = new Float64Array(upperEnds.length + 1);
  }

  observe(value: number): void {
    const { upperEnds, counts } = this;
    let bucket = 0;
    while (bucket < upperEnds.length && value > (upperEnds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** Exposes a number that only grows. */
export function exposeCounter(registry: Registry, metric: ExposedMetric<Sample>): void {
  const { name, help, labels = [], read } = metric;
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    async collect() {
      const samples = await read();
      this.reset();
      for (const [values, value] of samples) {
        if (labels.length === 0) this.inc(value);
        else this.inc(values, value);
      }
    },
  });
}

/** Exposes a number that grows and shrinks. */
export function exposeGauge(registry: Registry, metric: ExposedMetric<Sample>): void {
  const { name, help, labels = [], read } = metric;
  new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    async collect() {
      const samples = await read();
      this.reset();
      // Reset to 0, which says something where there is nothing to say.
      if (labels.length === 0) this.remove();
      for (const [values, value] of samples) this.set(values, value);
    },
  });
}

/** Exposes a histogram. */
export function exposeHistogram(
  registry: Registry,
  { name, help, read }: ExposedMetric<readonly [labels: Labels, buckets: Buckets]>,
): void {
  const metric = {
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    reset() {},
    async get() {
      const values = [];
      for (const [labels, { upperEnds, counts, sum }] of await read()) {
        let count = 0;
        for (const [bucket, bucketCount] of counts.entries()) {
          count += bucketCount;
          const le = upperEnds[bucket] ?? "+Inf";
          values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
        }
        values.push({ metricName: `${name}_sum`, labels, value: sum });
        values.push({ metricName: `${name}_count`, labels, value: count });
      }
      return { name, help, type: "histogram", aggregator: "sum", values };
    },
  };
  // The library fills its own histograms by one call for each value; it asks no more of a metric
  // than this.
  registry.registerMetric(metric as unknown as Parameters<Registry["registerMetric"]>[0]);
}
