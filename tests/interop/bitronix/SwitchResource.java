import java.util.ArrayList;
import java.util.List;
import javax.transaction.xa.XAException;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;

/** The C switch of libgiromq-xa as a resource of JTA. Tells each call on standard output, and can die or wait in one of them. */
final class SwitchResource implements XAResource {
    private static final int START = 0, END = 1, PREPARE = 2, COMMIT = 3, ROLLBACK = 4, FORGET = 5;

    /** Where the process ends without a word: "prepared", "committing" or "committed". */
    private final String dieAt;
    /** Where it says so and goes on when a line comes from standard input. */
    private final String waitAt;

    SwitchResource(String dieAt, String waitAt) {
        this.dieAt = dieAt;
        this.waitAt = waitAt;
    }

    static native boolean load(String library, String openString);
    private static native int call(int what, int formatId, byte[] gtrid, byte[] bqual, int flags);
    private static native byte[][] recovered(int flags);
    static native int send(String queue, String text);
    static native String receive(String queue, int milliseconds);
    static native String lastError();

    private static int call(String name, int what, Xid xid, int flags) throws XAException {
        int code = call(what, xid.getFormatId(), xid.getGlobalTransactionId(), xid.getBranchQualifier(), flags);
        System.out.println(name + " " + code);
        if (code == XA_OK || (what == PREPARE && code == XA_RDONLY)) return code;
        System.out.println("  " + lastError());
        XAException exception = new XAException(lastError());
        exception.errorCode = code;
        throw exception;
    }

    private void reached(String point) {
        if (point.equals(dieAt)) {
            System.out.println("dies: " + point);
            System.out.flush();
            Runtime.getRuntime().halt(9);
        }
        if (point.equals(waitAt)) {
            System.out.println("waits: " + point);
            new java.util.Scanner(System.in).nextLine();
        }
    }

    @Override public void start(Xid xid, int flags) throws XAException { call("start", START, xid, flags); }
    @Override public void end(Xid xid, int flags) throws XAException { call("end", END, xid, flags); }
    @Override public void rollback(Xid xid) throws XAException { call("rollback", ROLLBACK, xid, TMNOFLAGS); }
    @Override public void forget(Xid xid) throws XAException { call("forget", FORGET, xid, TMNOFLAGS); }

    @Override public int prepare(Xid xid) throws XAException {
        int vote = call("prepare", PREPARE, xid, TMNOFLAGS);
        reached("prepared");
        return vote;
    }

    @Override public void commit(Xid xid, boolean onePhase) throws XAException {
        reached("committing");
        call(onePhase ? "commit one-phase" : "commit", COMMIT, xid, onePhase ? TMONEPHASE : TMNOFLAGS);
        reached("committed");
    }

    @Override public Xid[] recover(int flags) throws XAException {
        byte[][] found = recovered(flags);
        if (found == null) {
            System.out.println("recover failed: " + lastError());
            throw new XAException(XAException.XAER_RMFAIL);
        }
        System.out.println("recover " + found.length / 3);
        List<Xid> xids = new ArrayList<>();
        for (int index = 0; index < found.length; index += 3) {
            xids.add(new FoundXid(Integer.parseInt(new String(found[index])), found[index + 1], found[index + 2]));
        }
        return xids.toArray(new Xid[0]);
    }

    @Override public boolean isSameRM(XAResource other) { return other == this; }
    @Override public int getTransactionTimeout() { return 0; }
    @Override public boolean setTransactionTimeout(int seconds) { return false; }

    private record FoundXid(int formatId, byte[] gtrid, byte[] bqual) implements Xid {
        @Override public int getFormatId() { return formatId; }
        @Override public byte[] getGlobalTransactionId() { return gtrid; }
        @Override public byte[] getBranchQualifier() { return bqual; }
    }
}
