import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MemoryRegistry, type RegistryHealth } from "../../../../src/registry/index.ts";
import { ServiceHealth } from "../../../../src/server/index.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new AbortController().signal;

/** A health that counts how often its registry is asked, and waits that say when they are over. */
function open() {
  const registry = new MemoryRegistry();
  const state = { health: { ok: true } as RegistryHealth | Error, asked: 0 };
  registry.health = () => {
    state.asked += 1;
    if (state.health instanceof Error) throw state.health;
    return state.health;
  };
  const health = new ServiceHealth(registry);
  let woken = 0;
  const wait = async (known: boolean, signal = never()) => {
    await health.changed(known, signal);
    woken += 1;
  };
  return { health, state, wait, woken: () => woken };
}

test("any number of waits costs one look per second, and none is woken before there is a change", async () => {
  const { state, wait, woken } = open();
  const waits = Array.from({ length: 1000 }, () => wait(true));
  await vi.advanceTimersByTimeAsync(0);
  expect(state.asked).toBe(1000);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state.asked).toBe(1060);
  expect(woken()).toBe(0);
  state.health = { ok: false };
  await vi.advanceTimersByTimeAsync(1000);
  await Promise.all(waits);
  expect(state.asked).toBe(1061);
  expect(vi.getTimerCount()).toBe(0);
});

test("a wait is woken when the health is another than it knows, however often it has changed before", async () => {
  const { state, wait, woken } = open();
  state.health = { ok: false };
  // One that knows of the failure, and one that has not heard of it.
  const first = wait(false);
  await wait(true);
  expect(woken()).toBe(1);
  state.health = { ok: true };
  await vi.advanceTimersByTimeAsync(1000);
  await first;
  const second = wait(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(woken()).toBe(2);
  state.health = new Error("the registry cannot be asked");
  await vi.advanceTimersByTimeAsync(1000);
  await second;
});

test("a wait ends with its signal, and the last one ends the looking", async () => {
  const { wait } = open();
  const stop = new AbortController();
  await wait(true, AbortSignal.abort());
  const waits = [wait(true, stop.signal), wait(true, stop.signal)];
  await vi.advanceTimersByTimeAsync(1500);
  stop.abort();
  await Promise.all(waits);
  expect(vi.getTimerCount()).toBe(0);
  const next = new AbortController();
  const again = wait(true, next.signal);
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(1);
  next.abort();
  await again;
});

test("a drain ends all waits at once, also of those who know that the service is not well", async () => {
  const { health, state, wait } = open();
  const first = wait(true);
  await vi.advanceTimersByTimeAsync(0);
  state.health = { ok: false };
  const second = wait(false);
  await vi.advanceTimersByTimeAsync(0);
  health.drain();
  await Promise.all([first, second]);
  await wait(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("a wait that begins while the registry is asked is not forgotten", async () => {
  const registry = new MemoryRegistry();
  let ok = true;
  const answers: (() => void)[] = [];
  Object.assign(registry, {
    health: () => new Promise((resolve) => answers.push(() => resolve({ ok }))),
  });
  const answerAll = async () => {
    for (const answer of answers.splice(0)) answer();
    await vi.advanceTimersByTimeAsync(0);
  };
  const health = new ServiceHealth(registry);
  const stop = new AbortController();
  const first = health.changed(true, stop.signal);
  await answerAll();
  await vi.advanceTimersByTimeAsync(1000);
  // The registry is slow: nobody asks again meanwhile.
  await vi.advanceTimersByTimeAsync(10_000);
  expect(answers).toHaveLength(1);
  stop.abort();
  await first;
  const late = answers.splice(0);
  const second = health.changed(true, never());
  await answerAll();
  for (const answer of late) answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(1);
  ok = false;
  await vi.advanceTimersByTimeAsync(1000);
  await answerAll();
  await second;
});
