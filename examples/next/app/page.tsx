import { startEstimate } from "./actions";

export default function Page() {
  return (
    <main>
      <h1>Estimate pi</h1>
      <form action={startEstimate}>
        <label htmlFor="batches">Batches of 100,000 random points</label>
        <input id="batches" name="batches" type="number" defaultValue={500} min={1} max={100000} />
        <button type="submit">Start</button>
      </form>
    </main>
  );
}
