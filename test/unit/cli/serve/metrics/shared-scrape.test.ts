import { expect, test } from "vitest";
import { SharedScrape } from "../../../../../src/cli/serve/metrics/shared-scrape.ts";

test("scrapes at one time share a text, which is never older than the question", async () => {
  let value = 1;
  let collected = 0;
  const scrape = new SharedScrape(async () => {
    collected += 1;
    return String(value);
  });
  const together = [scrape.ask(), scrape.ask()];
  expect(await Promise.all(together)).toEqual(["1", "1"]);
  expect(collected).toBe(1);
  value = 2;
  expect(await scrape.ask()).toBe("2");
});

test("scrapes take a tenth of the time at most", async () => {
  let now = 0;
  let collected = 0;
  const scrape = new SharedScrape(
    async () => {
      collected += 1;
      now += 2;
      return "";
    },
    () => now,
  );
  await scrape.ask();
  const waiting = Array.from({ length: 100 }, () => scrape.ask());
  await Promise.all(waiting);
  expect(collected).toBe(2);
});

test("a scrape after a slow one waits for a second at most", async () => {
  let now = 0;
  const waits: number[] = [];
  const scrape = new SharedScrape(
    async () => {
      now += 5000;
      return "";
    },
    () => now,
    async (ms) => {
      waits.push(ms);
      now += ms;
    },
  );
  await scrape.ask();
  await scrape.ask();
  expect(waits).toEqual([1000]);
});

test("a failed scrape fails those who asked for it, and no other", async () => {
  let hasFailed = false;
  const scrape = new SharedScrape(async () => {
    if (hasFailed) return "text";
    hasFailed = true;
    throw new Error("failed");
  });
  await expect(scrape.ask()).rejects.toThrow("failed");
  expect(await scrape.ask()).toBe("text");
});
