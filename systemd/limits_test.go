package systemd_test

import (
	"encoding/json"
	"fmt"
)

// fields asks journald for what it was told, field by field.
func (g guest) fields() {
	g.m.await("journalctl -q -u hogar HOGAR_MESSAGE='gateway started'", "gateway started")
	line := g.m.run("journalctl -q -u hogar -o json -n 1 HOGAR_MESSAGE='gateway started' | cat")
	var got map[string]string
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		g.t.Fatalf("%v: %s", err, line)
	}
	for field, want := range map[string]string{"MESSAGE": "gateway started gateway=casa", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "hogar",
		"HOGAR_NAME": "casa", "HOGAR_GATEWAY": "casa", "_SYSTEMD_UNIT": "hogar.service", "_TRANSPORT": "journal"} {
		g.want(field, got[field], want)
	}
}

// memory takes more than the service may have, as a part of it: the limit must hold,
// and the service come back.
func (g guest) memory() {
	g.want("MemoryMax", g.m.property("MemoryMax"), fmt.Sprint(256<<20))
	g.m.run("tr '\\0' '\\n' </proc/$(systemctl show --value -p MainPID hogar)/environ | grep -qx GOMEMLIMIT=200MiB")
	g.t.Logf("memory %.1f MB, of 256", float64(g.m.number("MemoryCurrent"))/1e6)
	restarts := g.m.number("NRestarts")
	g.m.try("sh -c 'echo $$ >/sys/fs/cgroup/system.slice/hogar.service/cgroup.procs; head -c 400M /dev/zero | tail -n 1'")
	g.m.await("systemctl show --value -p NRestarts hogar", fmt.Sprint(restarts+1))
	g.m.run("journalctl -q -u hogar | grep -q oom-kill")
	next(g.t, g.deliveries, "casa.gateway.started")
	next(g.t, g.deliveries, dustKey)
}
