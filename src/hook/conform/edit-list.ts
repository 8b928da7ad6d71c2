/** Replacements in a text; all that no edit touches stays as it is, to the byte. */
export class EditList {
  readonly #edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];

  /** Replaces `start..end`; with both equal, inserts there. Edits must not overlap; the last one of the same place wins. */
  replace(start: number, end: number, text: string): void {
    const same = this.#edits.findIndex((edit) => edit.start === start && edit.end === end && end > start);
    if (same >= 0) this.#edits.splice(same, 1);
    this.#edits.push({ start, end, text });
  }

  /** The part `start..end` of `source` with all edits that lie in it. */
  render(source: string, start = 0, end = source.length): string {
    const inside = this.#edits
      .map((edit, order) => ({ ...edit, order }))
      .filter((edit) => edit.start >= start && edit.end <= end)
      .sort((a, b) => a.start - b.start || a.end - b.end || a.order - b.order);
    let text = '';
    let at = start;
    for (const edit of inside) {
      if (edit.start < at) throw new RangeError(`Edits overlap at ${edit.start}.`);
      text += source.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return text + source.slice(at, end);
  }
}
