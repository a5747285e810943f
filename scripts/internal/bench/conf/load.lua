-- The generator's requests: wrk -s load.lua URL -- LIST
-- LIST holds a path a line. Each thread begins at another place of it and goes round.
local requests, at, count = {}, 0, 0

function setup(thread)
   thread:set("number", count)
   count = count + 1
end

function init(args)
   local whole = wrk.format("GET", "/PATH")
   local before, after = whole:match("^(.-)/PATH(.*)$")
   for path in io.lines(args[1]) do
      requests[#requests + 1] = before .. path .. after
   end
   at = math.floor(#requests * number / 2)
end

function request()
   at = at + 1
   if at > #requests then at = 1 end
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format("result requests=%d duration=%d bytes=%d connect=%d read=%d write=%d timeout=%d status=%d p50=%d p99=%d\n",
      summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write, errors.timeout,
      errors.status, latency:percentile(50), latency:percentile(99)))
end
