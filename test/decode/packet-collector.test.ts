import { describe, expect, it } from 'vitest';
import { countFieldCodedFrames, PacketCollector, type Packet } from '../../src/decode/packet-collector.ts';

function collect(packets: readonly Partial<Packet>[]): ReturnType<PacketCollector['summarise']> {
  const collector = new PacketCollector();
  packets.forEach((packet, i) => {
    collector.add({
      pts: i * 10,
      dts: i * 10,
      duration: 10,
      size: 100,
      key: i === 0,
      discarded: false,
      ...packet,
    });
  });
  return collector.summarise();
}

describe('PacketCollector', () => {
  it('sorts presentation times', () => {
    const summary = collect([{ pts: 0 }, { pts: 30 }, { pts: 10 }, { pts: 20 }]);
    expect(summary).toMatchObject({
      frames: 4,
      firstPts: 0,
      lastPts: 30,
      step: { min: 10, median: 10, max: 10 },
      variableFrameRate: false,
      discontinuous: false,
      keyframes: [0],
      intraOnly: false,
    });
  });

  it('leaves out what is decoded but not shown', () => {
    const summary = collect([{ pts: -10, discarded: true }, {}, {}]);
    expect(summary).toMatchObject({ frames: 2, firstPts: 10, lastPts: 20 });
  });

  it('counts missing and doubled times', () => {
    expect(collect([{ pts: null }, {}, { pts: 10 }])).toMatchObject({
      frames: 3,
      missingPts: 1,
      duplicatePts: 1,
    });
  });

  it('takes a packet with both times of the one before for its rest', () => {
    expect(collect([{}, {}, { pts: 10, dts: 10 }])).toMatchObject({ frames: 2, duplicatePts: 0 });
  });

  it('finds a clock that jumps', () => {
    expect(collect([{}, {}, { pts: 10_000, dts: 10_000 }, { pts: 10_010, dts: 10_010 }]).discontinuous).toBe(
      true,
    );
    expect(collect([{}, {}, { pts: -50, dts: -50 }]).discontinuous).toBe(true);
    expect(collect([{}, {}, { pts: 200, dts: 200 }]).discontinuous).toBe(false);
  });

  it('tells a variable rate from rounding', () => {
    const matroska = [0, 33, 67, 100, 133, 167].map((time) => ({ pts: time, dts: time }));
    expect(collect(matroska).variableFrameRate).toBe(false);
    const phone = [0, 33, 67, 117, 150].map((time) => ({ pts: time, dts: time }));
    expect(collect(phone).variableFrameRate).toBe(true);
  });

  it('names the smallest key frames behind the first', () => {
    const sizes = [1, 500, 90, 400, 80, 300];
    expect(collect(sizes.map((size) => ({ size, key: true }))).doubtfulKeyframes).toEqual([20, 40, 50]);
    expect(collect(sizes.map((size) => ({ size, key: true }))).intraOnly).toBe(true);
  });

  it('knows nothing of no packets', () => {
    expect(collect([])).toMatchObject({ frames: 0, firstPts: null, step: null, intraOnly: false });
  });
});

describe('countFieldCodedFrames', () => {
  it('counts two packets that last half a frame as one', () => {
    const fields = collect(Array.from({ length: 6 }, () => ({ duration: 20 })));
    expect(countFieldCodedFrames(fields, 40)).toBe(3);
    expect(countFieldCodedFrames(fields, 20)).toBe(6);
    const mixed = collect([{ duration: 20 }, { duration: 20 }, { duration: 40 }, { duration: 0 }]);
    expect(countFieldCodedFrames(mixed, 40)).toBe(3);
  });
});
