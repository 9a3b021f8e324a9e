// A height over two axes, known at some points: straight within each triangle between neighbours, and nothing outside them. Pure.
//
// Lines of equal height are then exact without a grid: each triangle has at most one straight piece of each.

import Delaunator from "delaunator";

/** A point; x and y from 0 to 1, so that no unit makes triangles flat. `runs` are those that are there. */
export interface Site {
  x: number;
  y: number;
  z: number;
  runs: readonly number[];
}

/** As few points as say something about a surface (design: 6.4). */
const FEWEST = 8;
/** Points that are nowhere further from a straight line than this are on it; the axes are 1 long. */
const STRAIGHT = 1e-3;

/** One site for each different place; runs at the same place have the mean of their heights. */
export function sitesOf(points: readonly { x: number; y: number; z: number; run: number }[]): readonly Site[] {
  const places = new Map<string, { x: number; y: number; sum: number; runs: number[] }>();
  for (const { x, y, z, run } of points) {
    const key = `${x} ${y}`;
    const found = places.get(key) ?? { x, y, sum: 0, runs: [] };
    found.sum += z;
    found.runs.push(run);
    places.set(key, found);
  }
  return [...places.values()].map(({ x, y, sum, runs }) => ({ x, y, z: sum / runs.length, runs }));
}

/** Why there is no surface; null where there is one. */
export function refusalOf(sites: readonly Site[], height: string): string | null {
  if (sites.length < FEWEST) return `A contour needs at least ${FEWEST} different points; there ${sites.length === 1 ? "is 1" : `are ${sites.length}`}.`;
  if (isStraight(sites)) return "All points are on one line, so there is no surface between them.";
  if (sites.every(({ z }) => z === sites[0]?.z)) return `${height} is the same at all points.`;
  return null;
}

/** Whether all points are on a straight line: that through the two that are furthest apart, as far as these are found. */
export function isStraight(sites: readonly Pick<Site, "x" | "y">[]): boolean {
  const from = furthest(sites, sites[0] ?? { x: 0, y: 0 });
  const to = furthest(sites, from);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  return length === 0 || sites.every(({ x, y }) => Math.abs(dx * (y - from.y) - dy * (x - from.x)) / length < STRAIGHT);
}

type Corner = readonly [x: number, y: number, z: number];
/** The places of three sites, the same way round in all of them. */
export type Triangle = readonly [Corner, Corner, Corner];

/** The triangles between neighbouring sites (Delaunay). */
export function trianglesOf(sites: readonly Site[]): readonly Triangle[] {
  const { triangles } = new Delaunator(sites.flatMap(({ x, y }) => [x, y]));
  const corner = (at: number): Corner => {
    const site = sites[triangles[at] ?? 0];
    return [site?.x ?? 0, site?.y ?? 0, site?.z ?? 0];
  };
  return Array.from({ length: triangles.length / 3 }, (_, place) => [corner(place * 3), corner(place * 3 + 1), corner(place * 3 + 2)] as const);
}

/** The part of a triangle that is at least as high as a level; fewer than three corners is none. */
export function partAbove(triangle: Triangle, level: number): readonly Corner[] {
  return triangle.flatMap((corner, place) => {
    const next = triangle[(place + 1) % 3] ?? corner;
    const kept = corner[2] >= level ? [corner] : [];
    return corner[2] >= level !== next[2] >= level ? [...kept, between(corner, next, level)] : kept;
  });
}

/** The line in a triangle along which it is as high as a level; null where it is so nowhere. */
export function lineAt(triangle: Triangle, level: number): readonly [Corner, Corner] | null {
  const ends = triangle.flatMap((corner, place) => {
    const next = triangle[(place + 1) % 3] ?? corner;
    return corner[2] >= level !== next[2] >= level ? [between(corner, next, level)] : [];
  });
  return ends[0] && ends[1] ? [ends[0], ends[1]] : null;
}

function between(one: Corner, other: Corner, level: number): Corner {
  // From the lower one always, so that triangles that share an edge have the same point on it.
  const [low, high] = one[2] < other[2] ? [one, other] : [other, one];
  const part = (level - low[2]) / (high[2] - low[2]);
  return [low[0] + (high[0] - low[0]) * part, low[1] + (high[1] - low[1]) * part, level];
}

function furthest<Place extends { x: number; y: number }>(sites: readonly Place[], from: Place): Place {
  const distance = ({ x, y }: Place): number => Math.hypot(x - from.x, y - from.y);
  return sites.reduce((found, site) => (distance(site) > distance(found) ? site : found), from);
}
