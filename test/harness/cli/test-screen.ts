/**
 * A terminal emulator, the one of xterm.js, to look at what a command has drawn.
 * @module
 */
import { Terminal } from "@xterm/headless";

/** Kept for the emulator, where a test has fake timers. */
const realSetTimeout = globalThis.setTimeout;

/** A terminal of 80 by 24 characters. */
export class TestScreen {
  /** All that was written, in the pieces in which it was. */
  readonly writes: string[] = [];
  readonly #terminal = new Terminal({
    cols: 80,
    rows: 24,
    convertEol: true,
    allowProposedApi: true,
  });
  #unread = "";
  readonly #listeners = new Set<() => void>();

  get columns(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  write(text: string): void {
    this.writes.push(text);
    this.#unread += text;
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether anybody wants to hear of another size. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** As a user does who pulls at the window. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#parsed();
    this.#terminal.resize(columns, rows);
    for (const listener of this.#listeners) listener();
  }

  /** The lines down to the cursor's, without the spaces at their ends. */
  async lines(): Promise<string[]> {
    await this.#parsed();
    const { baseY, cursorY, length } = this.#terminal.buffer.active;
    const texts = Array.from({ length: length - baseY }, (_, index) => this.#line(baseY + index));
    if (texts.slice(cursorY + 1).some((text) => text !== "")) {
      throw new Error(`something stands below the cursor: ${JSON.stringify(texts)}`);
    }
    return texts.slice(0, cursorY + 1);
  }

  /** What has left the screen at its top. */
  async history(): Promise<string[]> {
    await this.#parsed();
    const { baseY } = this.#terminal.buffer.active;
    return Array.from({ length: baseY }, (_, index) => this.#line(index));
  }

  async cursorColumn(): Promise<number> {
    await this.#parsed();
    return this.#terminal.buffer.active.cursorX;
  }

  #line(index: number): string {
    return this.#terminal.buffer.active.getLine(index)?.translateToString(true) ?? "";
  }

  async #parsed(): Promise<void> {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = realSetTimeout;
    const text = this.#unread;
    this.#unread = "";
    await new Promise<void>((resolve) => this.#terminal.write(text, resolve));
    globalThis.setTimeout = setTimeout;
  }
}
