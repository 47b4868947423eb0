# Makes metrics of "lukeep status --json", in the text format of Prometheus.
def metric($name; $value): "lukeep_\($name)\(.labels // "") \($value)";
def number: if . then 1 else 0 end;

metric("agent_idle"; .agent.state == "idle" | number),
(.services[] | .labels = "{service=\"\(.name)\"}" |
	metric("service_running"; .state == "running" | number),
	metric("service_resumed"; .resumed // false | number),
	metric("service_pause_seconds"; .pause // 0),
	metric("service_memory_bytes"; [(.memfds[]?, .tmpfs // empty).allocated] | add // 0))
